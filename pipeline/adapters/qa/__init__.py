"""Quality measures of source images, variant stills and scenes. They measure; `domain.quality` judges."""

from pipeline.adapters.qa.scenes import check_scene
from pipeline.adapters.qa.sources import check_source
from pipeline.adapters.qa.stills import check_stills

FUNCTIONS = {"source_qa": check_source, "variant_qa": check_stills, "scene_qa": check_scene}
