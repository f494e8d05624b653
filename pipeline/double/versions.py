"""The two releases of ComfyUI that the double speaks for, and how their answers differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LARGEST_BODY_BYTES = 104_857_600


@dataclass(frozen=True)
class Version:
    """What one release does its own way.

    `is_strict` stands for the newer rules of ids and secrets: a prompt_id must be a canonical lowercase UUID, two keys of
    extra_data never show, jobs carry the time they were made, and updates of progress are thinned out.
    """

    number: str
    is_strict: bool
    os_name: str
    features: Mapping[str, Any]
    packages: Mapping[str, Any] = field(default_factory=dict)
    model_folders: tuple[str, ...] = ()


_FOLDERS = (
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models", "embeddings",
    "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "custom_nodes", "hypernetworks", "photomaker",
    "classifiers", "model_patches", "audio_encoders",
)  # fmt: skip
_NEWER_FOLDERS = (
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models", "embeddings",
    "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "latent_upscale_models", "custom_nodes", "datasets",
    "hypernetworks", "photomaker", "classifiers", "model_patches", "audio_encoders", "background_removal", "frame_interpolation",
    "geometry_estimation", "optical_flow", "detection",
)  # fmt: skip

VERSIONS: Mapping[str, Version] = {
    "0.33.0": Version(
        number="0.33.0",
        is_strict=True,
        os_name="linux",
        features={
            "supports_preview_metadata": True,
            "supports_model_type_tags": True,
            "max_upload_size": LARGEST_BODY_BYTES,
            "extension": {"manager": {"supports_v4": True}},
            "node_replacements": True,
            "assets": False,
        },
        packages={
            "required_frontend_version": "1.49.6",
            "installed_templates_version": "0.1.95",
            "required_templates_version": "0.11.44",
            "comfy_package_versions": [
                {"name": "comfyui-frontend-package", "installed": "1.49.6", "required": "1.49.6"},
                {"name": "comfyui-workflow-templates", "installed": "0.1.95", "required": "0.11.44"},
                {"name": "comfyui-embedded-docs", "installed": "0.5.10", "required": "0.5.10"},
                {"name": "comfy-kitchen", "installed": "0.2.31", "required": "0.2.31"},
                {"name": "comfy-aimdo", "installed": "0.4.13", "required": "0.4.13"},
            ],
        },
        model_folders=_NEWER_FOLDERS,
    ),
    "0.3.64": Version(
        number="0.3.64",
        is_strict=False,
        os_name="posix",
        features={"supports_preview_metadata": True, "max_upload_size": LARGEST_BODY_BYTES},
        packages={
            "required_frontend_version": "1.27.10",
            "installed_templates_version": "0.1.95",
            "required_templates_version": "0.1.95",
        },
        model_folders=_FOLDERS,
    ),
}
