"""The embedded previsualisation renderer: variant stills, location plates and moving segments, on the CPU alone."""

from pipeline.adapters.backends.animatic.segments import render_segment
from pipeline.adapters.backends.animatic.stills import render_still

FUNCTIONS = {"variant_generation": render_still, "scene_generation": render_segment}
