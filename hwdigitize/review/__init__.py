"""Local pages in the browser for a person at this machine: the editor of form templates."""
