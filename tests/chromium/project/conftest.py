"""Headless Chromium logs in and consents, by Selenium: one browser for each user, which lives as long as the run."""

import os

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CALLBACK = "http://127.0.0.1:9/callback"
LOGINS = []


def started(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = os.environ["CHROMIUM"]
    for option in (*OPTIONS, f"--user-data-dir={folder}"):
        options.add_argument(option)
    # The page that a browser is sent back to need not be there, so its loading is not waited for.
    options.page_load_strategy = "none"
    return webdriver.Chrome(options, webdriver.ChromeService(os.environ["CHROMEDRIVER"]))


@pytest.fixture(scope="session")
def apiauth_login(tmp_path_factory):
    browsers = {}

    def log_in(url, user):
        if user.name not in browsers:
            browsers[user.name] = started(tmp_path_factory.mktemp(user.name))
        browser = browsers[user.name]
        wait = WebDriverWait(browser, 20)

        def shown(*places):
            return wait.until(lambda page: next((found for place in places for found in page.find_elements(*place)), 0))

        allow, password = (By.CSS_SELECTOR, "button[value=allow]"), (By.NAME, "password")
        browser.get("about:blank")
        browser.get(url)
        found = shown(allow, password)
        if found.get_attribute("name") == "password":
            LOGINS.append(user.username)
            browser.find_element(By.NAME, "username").send_keys(user.username)
            found.send_keys(user.password.reveal())
            browser.find_element(By.TAG_NAME, "button").click()
            found = shown(allow)
        found.click()
        wait.until(lambda page: page.current_url.startswith(CALLBACK))
        return browser.current_url

    yield log_in
    for browser in browsers.values():
        browser.quit()
