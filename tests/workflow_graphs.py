"""Graphs for tests: recorded ones, and two of the kind that people build for real models."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.domain.workflows.graphs import Graph, parse

FOLDER = Path(__file__).parent / "data" / "workflows"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json") if not path.stem.startswith(("object_info", "invalid")))
VERSIONS = ("0.33.0", "0.3.64")


def recorded(name: str) -> dict[str, Any]:
    """A recorded file: `prompt` is the graph, `params` says by hand which inputs are for what."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def graph(name: str) -> Graph:
    """The graph of a recorded file."""
    return parse(recorded(name))


def invalid(case: str) -> Any:
    """A graph that a server refuses, or takes only in part."""
    return recorded("invalid")["cases"][case]


@cache
def schemas(version: str) -> dict[str, Any]:
    """What a server of this version says of its node classes."""
    return recorded(f"object_info_{version}")


def node(class_type: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    """One node; a link is a list."""
    return {"class_type": class_type, "inputs": inputs, **({"_meta": {"title": title}} if title else {})}


def two_samplers() -> dict[str, Any]:
    """Image to video with two samplers, first and last frame, sizes and seed in primitive nodes."""
    shared = {"positive": ["wan", 0], "negative": ["wan", 1], "noise_seed": ["noise", 0], "cfg": 3.5, "steps": 20}
    return {
        "unet": node("UNETLoader", unet_name="high.safetensors", weight_dtype="default"),
        "unet2": node("UNETLoader", unet_name="low.safetensors", weight_dtype="default"),
        "clip": node("CLIPLoader", clip_name="t5.safetensors", type="wan"),
        "vae": node("VAELoader", vae_name="wan/vae.safetensors"),
        "good": node("CLIPTextEncode", text=["words", 0], clip=["clip", 0]),
        "words": node("PrimitiveStringMultiline", "what happens", value="a harbour"),
        "bad": node("CLIPTextEncode", text="blurry", clip=["clip", 0]),
        "first": node("LoadImage", image="first.png"),
        "last": node("LoadImage", image="last.png"),
        "fit": node("ImageScale", image=["first", 0], upscale_method="area", width=["w", 0], height=["h", 0], crop="center"),
        "w": node("PrimitiveInt", value=832),
        "h": node("PrimitiveInt", value=480),
        "wan": node(
            "WanFirstLastFrameToVideo", positive=["good", 0], negative=["bad", 0], vae=["vae", 0], start_image=["fit", 0],
            end_image=["last", 0], width=["w", 0], height=["h", 0], length=["n", 0], batch_size=1,
        ),
        "n": node("PrimitiveInt", value=81),
        "noise": node("PrimitiveInt", value=7),
        "one": node("KSamplerAdvanced", model=["unet", 0], latent_image=["wan", 2], end_at_step=10, **shared),
        "two": node("KSamplerAdvanced", model=["unet2", 0], latent_image=["one", 0], end_at_step=99, **shared),
        "decode": node("VAEDecode", samples=["two", 0], vae=["vae", 0]),
        "video": node("CreateVideo", images=["decode", 0], fps=16.0),
        "save": node("SaveVideo", video=["video", 0], filename_prefix="clip", format="auto", codec="auto"),
    }  # fmt: skip


def guided_still() -> dict[str, Any]:
    """A still by a guider, with a reference picture and a loop of reroutes on the way."""
    return {
        "1": node("UNETLoader", unet_name="flux.safetensors", weight_dtype="default"),
        "2": node("CLIPTextEncodeFlux", clip=["9", 0], clip_l="a coat", t5xxl="a coat", guidance=3.5),
        "3": node("FluxGuidance", conditioning=["2", 0], guidance=3.5),
        "4": node("BasicGuider", model=["1", 0], conditioning=["10", 0]),
        "5": node("RandomNoise", noise_seed=5),
        "6": node("EmptySD3LatentImage", width=1024, height=1024, batch_size=1),
        "7": node("SamplerCustomAdvanced", noise=["5", 0], guider=["4", 0], latent_image=["6", 0]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="still"),
        "9": node("DualCLIPLoader", clip_name1="clip_l.safetensors", clip_name2="t5xxl.safetensors", type="flux"),
        "10": node("ReferenceLatent", conditioning=["11", 0], latent=["12", 0]),
        "11": node("Reroute", **{"": ["3", 0]}),
        "12": node("VAEEncode", pixels=["13", 0], vae=["1", 0]),
        "13": node("LoadImage", image="mara.png"),
    }
