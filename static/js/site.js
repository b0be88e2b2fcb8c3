/* Small comforts on every page. Each works on what is there and leaves alone what is not. */

const typing = (event) => event.target.closest("input, textarea, select, [contenteditable]");

// "/" puts the cursor into the search box.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
  const box = document.querySelector("[data-search] input[type=search]");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
