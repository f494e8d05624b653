// The theme is set before anything is drawn, so that no page flashes in the other one.
document.documentElement.dataset.theme = localStorage.getItem("stripboard.theme") || "dark";
