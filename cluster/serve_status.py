"""What Ray Serve says of its applications, as passed from the driver to the command line."""

from pydantic import BaseModel, ConfigDict


class DeploymentState(BaseModel):
    """A deployment: Serve's status word, its message, and replicas by state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    status: str
    message: str
    replicas: dict[str, int]


class ApplicationState(BaseModel):
    """An application and its deployments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    status: str
    message: str
    deployments: tuple[DeploymentState, ...]


class ServeState(BaseModel):
    """All applications of the cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    applications: tuple[ApplicationState, ...]

    @property
    def is_running(self) -> bool:
        """Every application has all its replicas."""
        return bool(self.applications) and all(
            application.status == "RUNNING" for application in self.applications
        )

    @property
    def failure(self) -> str | None:
        """In one line why the deployment was given up; None while it goes on or runs."""
        for application in self.applications:
            if application.status != "DEPLOY_FAILED":
                continue
            for deployment in application.deployments:
                if deployment.status == "DEPLOY_FAILED":
                    return f"deployment '{deployment.name}': {last_error_line(deployment.message)}"
            return f"application '{application.name}': {last_error_line(application.message)}"
        return None

    @property
    def progress(self) -> str:
        """Deployments that are ready, in one line."""
        deployments = [item for app in self.applications for item in app.deployments]
        if not deployments:
            return "building the graph"
        ready = [item.name for item in deployments if item.status == "HEALTHY"]
        return f"{len(ready)} of {len(deployments)} deployments ready {' '.join(ready)}".strip()


def last_error_line(message: str) -> str:
    """The line of a traceback that names the error; of other text the last one."""
    lines = [line for line in message.splitlines() if line.strip() and not line[0].isspace()]
    return lines[-1] if lines else "no reason given"
