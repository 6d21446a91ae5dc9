"""python -m cluster.serve_driver ADDRESS [--deploy CONFIG] [--watch]

Talks to Ray Serve and prints its state as JSON lines. A process of its own, because a driver whose
cluster went away waits for it for many minutes and ignores interrupts: the command line kills it.
The applications outlive it: Serve's controller is a detached actor.
"""

import argparse
import sys
import time
from pathlib import Path

import ray
import yaml
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from cluster.serve_status import ApplicationState, DeploymentState, ServeState

POLL_SECONDS = 1.0


def main() -> None:
    """Run the command line above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--deploy", type=Path)
    parser.add_argument("--watch", action="store_true")
    arguments = parser.parse_args()
    ray.init(address=arguments.address, namespace="serve", log_to_driver=False)
    if arguments.deploy:
        deploy(arguments.deploy)
    state = read_state()
    while arguments.watch and not state.is_running and state.failure is None:
        print(state.model_dump_json(), flush=True)
        time.sleep(POLL_SECONDS)
        state = read_state()
    print(state.model_dump_json(), flush=True)
    sys.stdout.flush()


def deploy(config: Path) -> None:
    """Hand a Serve config file to the controller, as `serve deploy` does through the dashboard."""
    schema = ServeDeploySchema.model_validate(yaml.safe_load(config.read_text(encoding="utf-8")))
    serve.start(
        proxy_location=schema.proxy_location,
        http_options=schema.http_options.model_dump(),
        grpc_options=schema.grpc_options.model_dump(),
        logging_config=schema.logging_config,
        controller_options=schema.controller_options,
    )
    # The public ways to deploy a config file are the dashboard, which is not running, and
    # `serve run`, which takes the application down when it ends.
    _get_global_client().deploy_apps(schema)


def read_state() -> ServeState:
    """Serve's state now; no applications where Serve was never started."""
    return ServeState(
        applications=tuple(
            ApplicationState(
                name=name,
                status=application.status.value,
                message=application.message,
                deployments=tuple(
                    DeploymentState(
                        name=deployment_name,
                        status=deployment.status.value,
                        message=deployment.message,
                        replicas=dict(deployment.replica_states),
                    )
                    for deployment_name, deployment in application.deployments.items()
                ),
            )
            for name, application in serve.status().applications.items()
        )
    )


if __name__ == "__main__":
    main()
