"""The examiner: what a rule holds in its hands, paired controls, verdicts."""
