"""evlib's functions over Parallax: ``import parallax.evlib as evlib`` is all that a script changes.

The names, arguments, tables and meanings are those of evlib 0.13; where it is wrong, this is right, and
docs/migrating-from-evlib.md says so. Needs Polars.

Examples
--------
>>> import parallax as px, parallax.evlib as evlib, pathlib, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> path = pathlib.Path(folder.name, "events.raw")
>>> px.sample().write(path, format="evt3")
>>> events = evlib.load_events(path, t_start=0.01, t_end=0.02)
>>> list(events.collect().schema)
['x', 'y', 't', 'polarity']
>>> evlib.filtering.filter_by_polarity(events, polarity=1).collect().height
50
>>> folder.cleanup()
"""

from .. import __version__
from . import filtering, formats, representations, streaming
from .filtering import (
    filter_by_activity,
    filter_by_polarity,
    filter_by_roi,
    filter_by_time,
    filter_hot_pixels,
    filter_multiple_rois,
    filter_noise,
    preprocess_events,
)
from .formats import detect_format, get_format_description, save_events_to_text
from .loading import load_events
from .representations import (
    create_event_frame,
    create_mixed_density_stack,
    create_stacked_histogram,
    create_time_surface,
    create_voxel_grid,
    densify_event_frame,
    densify_time_surface,
    densify_voxel_grid,
    preprocess_for_detection,
)
from .streaming import profile_loading_performance

__all__ = [
    "__version__",
    "create_event_frame",
    "create_mixed_density_stack",
    "create_stacked_histogram",
    "create_time_surface",
    "create_voxel_grid",
    "densify_event_frame",
    "densify_time_surface",
    "densify_voxel_grid",
    "detect_format",
    "filter_by_activity",
    "filter_by_polarity",
    "filter_by_roi",
    "filter_by_time",
    "filter_hot_pixels",
    "filter_multiple_rois",
    "filter_noise",
    "filtering",
    "formats",
    "get_format_description",
    "load_events",
    "preprocess_events",
    "preprocess_for_detection",
    "profile_loading_performance",
    "representations",
    "save_events_to_text",
    "streaming",
    "version",
]


def version() -> str:
    """The version of Parallax."""
    return __version__
