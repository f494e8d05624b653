"""The backend `comfyui`: a fleet of ComfyUI servers makes the stills and segments.

`backend` is the door (three verbs); `performing` carries one attempt through; `server` keeps what is known of one server;
`calls` and `listening` are its two wires, HTTP and the socket; `answers`, `messages`, `progress` and `failures` read what comes
over them, as pure functions; `filling` makes the graph that is sent; `files` turns what was made into what is published;
`looking` answers questions about a server, `sharing` one about many.
"""
