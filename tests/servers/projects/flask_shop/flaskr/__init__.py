"""A shop, in the style of Flask's tutorial: an application factory, a database in the instance folder, blueprints."""

import os

from flask import Flask


def create_app(test_config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(DATABASE=os.path.join(app.instance_path, "flaskr.sqlite"))
    if test_config is not None:
        app.config.from_mapping(test_config)
    os.makedirs(app.instance_path, exist_ok=True)

    @app.route("/status")
    def status():
        return {"status": "up"}

    from . import auth, db

    db.init_app(app)
    app.register_blueprint(auth.bp)
    return app
