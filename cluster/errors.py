"""What can go wrong when the product is started, stopped or given its models."""

from followup.errors import FollowupError


class StartError(FollowupError):
    """A part could not be started or stopped; the message names it and where its log lies."""

    code = "start_failed"


class DownloadError(FollowupError):
    """A model could not be fetched, or what came is not what was asked for."""

    code = "download_failed"
