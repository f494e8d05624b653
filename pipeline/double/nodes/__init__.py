"""The node classes that the double runs, by the names that graphs call them."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.double.job import Node
from pipeline.double.nodes import films, images, instant, sampling, saves, stand_ins, text

NODES: Mapping[str, Node] = {
    "CLIPLoader": sampling.load_clip,
    "CLIPTextEncode": sampling.encode_text,
    "CheckpointLoaderSimple": sampling.load_checkpoint,
    "CreateVideo": films.create_video,
    "EmptyHunyuanLatentVideo": sampling.empty_latent_video,
    "EmptyImage": images.empty_image,
    "EmptyLatentImage": sampling.empty_latent,
    "ImageAddNoise": images.add_noise,
    "ImageBlur": images.blur,
    "ImageCompositeMasked": images.composite_masked,
    "ImageCrop": images.crop,
    "ImageFromBatch": images.from_batch,
    "ImageScale": images.scale,
    "KSampler": sampling.sample,
    "LoadImage": images.load_image,
    "PreviewAny": saves.preview_any,
    "PreviewImage": saves.preview_image,
    "RebatchImages": images.rebatch,
    "RegexReplace": text.regex_replace,
    "RepeatImageBatch": images.repeat,
    "SaveAnimatedWEBP": saves.save_animated_webp,
    "SaveImage": saves.save_image,
    "SaveImageWebsocket": saves.save_to_socket,
    "SaveLatent": saves.save_latent,
    "SaveVideo": saves.save_video,
    "SaveWEBM": saves.save_webm,
    "SolidMask": images.solid_mask,
    "StripboardImageToImage": stand_ins.image_to_image,
    "StripboardImageToVideo": stand_ins.image_to_video,
    "UNETLoader": sampling.load_network,
    "VAEDecode": sampling.decode_pictures,
    "VAEEncode": sampling.encode_pictures,
}


def node_of(class_type: str, is_instant: bool) -> Node:
    """What runs a node of this class."""
    return instant.INSTANT.get(class_type, NODES[class_type]) if is_instant else NODES[class_type]
