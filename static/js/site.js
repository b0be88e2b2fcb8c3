/* Small comforts on every page: keys, copying, printing, the menu. Each works on what is there and leaves alone what is
   not; without this file every page still does its job. */

const find = (selector) => document.querySelector(selector);
const OFF = "keys-off";

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be blocked; the keys then simply stay on
  }
}

/* Single keys can be switched off (in the dialog that "?" opens), since they disturb people who dictate. */
const KEYS = {
  "/": ["Go to the search box", () => focusSearch()],
  "[": ["Previous code", () => follow("prev")],
  "]": ["Next code", () => follow("next")],
  "?": ["Show these keys", () => showKeys()],
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !(event.key in KEYS)) return;
  if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  if (stored(OFF) && event.key !== "?") return;
  if (KEYS[event.key][1]()) event.preventDefault();
});

function focusSearch() {
  const box = find("[data-search] input");
  box?.focus();
  box?.select();
  return box;
}

function follow(rel) {
  const link = find(`link[rel="${rel}"]`);
  if (link) location.assign(link.href);
  return link;
}

function showKeys() {
  const dialog = find("#keys") ?? document.body.appendChild(makeKeys());
  dialog.showModal();
  return true;
}

function makeKeys() {
  const dialog = document.createElement("dialog");
  dialog.id = "keys";
  dialog.setAttribute("aria-labelledby", "keys-h");
  const rows = Object.entries(KEYS).map(([key, [what]]) => `<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`);
  dialog.innerHTML = `<form method="dialog" class="stack"><h2 id="keys-h">Keys</h2><dl class="facts">${rows.join("")}</dl>
<p class="field check"><input type="checkbox" id="keys-on"><label for="keys-on">Use single keys on this device</label></p>
<button class="button small" autofocus>Close</button></form>`;
  const box = dialog.querySelector("input");
  box.checked = !stored(OFF);
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      box.checked = true;
    }
  });
  return dialog;
}

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", showKeys);
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.querySelector("span");
    const words = label.textContent;
    button.hidden = false;
    label.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        label.textContent = "Copied";
      } catch {
        label.textContent = "Copying was refused";
      }
      setTimeout(() => (label.textContent = words), 2000);
    });
  }
}

/* The account menu closes as menus do. */
const menu = find("[data-menu]");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
