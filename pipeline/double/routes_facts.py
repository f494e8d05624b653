"""The HTTP routes that tell what the server is and has: node classes, models, system, features."""

from __future__ import annotations

import platform
import sys

import psutil
from aiohttp import web

from pipeline.double.life import Life
from pipeline.double.routes import life_of


async def get_object_info(request: web.Request) -> web.Response:
    """GET /object_info: the schema of every class."""
    catalog = life_of(request).catalog
    return web.json_response({name: catalog.schema(name) for name in catalog.names()})


async def get_object_info_of(request: web.Request) -> web.Response:
    """GET /object_info/{class}: one schema, or nothing, with 200 in either case."""
    name = request.match_info["class_name"]
    schema = life_of(request).catalog.schema(name)
    return web.json_response({name: schema} if schema else {})


async def get_features(request: web.Request) -> web.Response:
    """GET /features."""
    return web.json_response(dict(life_of(request).version.features))


async def get_system_stats(request: web.Request) -> web.Response:
    """GET /system_stats: versions, memory, and the card if there is one."""
    life = life_of(request)
    memory = psutil.virtual_memory()
    system = {
        "os": life.version.os_name,
        "ram_total": memory.total,
        "ram_free": memory.available,
        "comfyui_version": life.version.number,
        **life.version.packages,
        "python_version": sys.version,
        "pytorch_version": "2.13.0+cu130" if life.setup.gpu_name else "2.13.0+cpu",
        "embedded_python": False,
        **({"deploy_environment": "local-git"} if life.version.is_strict else {}),
        "argv": ["main.py", "--listen", platform.node() and "127.0.0.1"],
    }
    return web.json_response({"system": system, "devices": [_device(life, memory.total, memory.available)]})


def _device(life: Life, ram_total: int, ram_free: int) -> dict[str, object]:
    total, free = ram_total, ram_free
    facts: dict[str, object] = {"name": "cpu", "type": "cpu", "index": None}
    if life.setup.gpu_name:
        total, free = int(life.setup.vram_gb * 1024**3), life.vram_free_bytes()
        facts = {"name": f"cuda:0 {life.setup.gpu_name} : cudaMallocAsync", "type": "cuda", "index": 0}
    return {**facts, "vram_total": total, "vram_free": free, "torch_vram_total": total, "torch_vram_free": free}


async def get_models(request: web.Request) -> web.Response:
    """GET /models: the folders that models lie in."""
    return web.json_response(list(life_of(request).version.model_folders))


async def get_models_of(request: web.Request) -> web.Response:
    """GET /models/{folder}: the files of a folder; 404 for an unknown one."""
    life, folder = life_of(request), request.match_info["folder"]
    if folder not in life.version.model_folders:
        return web.Response(status=404)
    return web.json_response(list(life.setup.models.get(folder, ())))


async def get_embeddings(request: web.Request) -> web.Response:
    """GET /embeddings."""
    return web.json_response([])


async def get_users(request: web.Request) -> web.Response:
    """GET /users."""
    return web.json_response({"storage": "server", "migrated": False})


async def get_logs(request: web.Request) -> web.Response:
    """GET /internal/logs: a text as JSON."""
    return web.json_response(f"ComfyUI version: {life_of(request).version.number}\n")


async def get_extensions(request: web.Request) -> web.Response:
    """GET /extensions: the double has no web pages, so no scripts for them."""
    return web.json_response([])


async def get_assets(request: web.Request) -> web.Response:
    """GET /api/assets of newer releases: switched off."""
    message = "Assets system is disabled. Start the server with --enable-assets to use this feature."
    return web.json_response({"error": {"code": "SERVICE_DISABLED", "message": message, "details": {}}}, status=503)


async def not_there(request: web.Request) -> web.Response:
    """A file that is not there."""
    return web.Response(status=404)
