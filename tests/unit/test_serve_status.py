"""What the command line reads out of Serve's state."""

import pytest

from cluster.serve_status import ApplicationState, DeploymentState, ServeState, last_error_line

TRACEBACK = """The deployment failed to start 3 times in a row. Error:
ray::ServeReplica.initialize() (pid=7)
  File "a.py", line 1, in f
followup.errors.SettingError: '/x' does not exist.
"""


def _state(status: str, *deployments: tuple[str, str, str], message: str = "") -> ServeState:
    states = tuple(
        DeploymentState(name=name, status=word, message=text, replicas={})
        for name, word, text in deployments
    )
    application = ApplicationState(name="app", status=status, message=message, deployments=states)
    return ServeState(applications=(application,))


def test_no_application_is_not_running() -> None:
    assert not ServeState(applications=()).is_running


def test_a_running_application_is_running_and_no_failure() -> None:
    state = _state("RUNNING", ("a", "HEALTHY", ""))
    assert state.is_running
    assert state.failure is None


def test_an_application_that_starts_is_neither_running_nor_failed() -> None:
    state = _state("DEPLOYING", ("a", "HEALTHY", ""), ("b", "UPDATING", TRACEBACK))
    assert not state.is_running
    assert state.failure is None
    assert state.progress == "1 of 2 deployments ready a"


def test_a_failed_deployment_is_named_with_its_error_in_one_line() -> None:
    state = _state("DEPLOY_FAILED", ("a", "HEALTHY", ""), ("b", "DEPLOY_FAILED", TRACEBACK))
    expected = "deployment 'b': followup.errors.SettingError: '/x' does not exist."
    assert state.failure == expected


def test_an_application_that_cannot_be_imported_is_named() -> None:
    message = "Deploying app failed:\nTraceback:\n  File x\nModuleNotFoundError: No module 'x'\n"
    state = _state("DEPLOY_FAILED", message=message)
    assert state.failure == "application 'app': ModuleNotFoundError: No module 'x'"


@pytest.mark.parametrize("text", ["", "\n  \n"], ids=["empty", "blank"])
def test_a_missing_reason_is_said(text: str) -> None:
    assert last_error_line(text) == "no reason given"
