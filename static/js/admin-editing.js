// The editing screen of a code: a preview that follows the writing, and a warning before unsaved work is lost.
// Without this script the Preview buttons open the same preview in a new tab.

const PAUSE = 400; // milliseconds without a key before the preview is asked for

function followWriting(editor) {
  const source = editor.querySelector("textarea");
  const button = editor.querySelector("button[name=preview]");
  const preview = editor.querySelector(".markdown-preview");
  const token = source.form.elements.csrfmiddlewaretoken.value;
  let timer = 0;
  let newest = 0;

  async function refresh() {
    const number = ++newest;
    preview.setAttribute("aria-busy", "true");
    const body = new URLSearchParams({ preview: "text", text: source.value, csrfmiddlewaretoken: token });
    try {
      const answer = await fetch(button.getAttribute("formaction"), { method: "POST", body, headers: { "X-Fragment": "1" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const html = await answer.text(); // sanitised by the server
      if (number === newest) preview.innerHTML = html.trim();
    } catch {
      if (number === newest) preview.innerHTML = "<p class='preview-stale'>No preview: the site cannot be reached, or you are logged out.</p>";
    }
    if (number === newest) preview.removeAttribute("aria-busy");
  }

  source.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, PAUSE);
  });
  button.addEventListener("click", (event) => {
    event.preventDefault();
    refresh();
  });
}

function warnBeforeLoss(form) {
  const start = new URLSearchParams(new FormData(form)).toString();
  const failed = document.querySelector(".errornote") !== null; // the server sent the unsaved form back
  let leaving = false;
  form.addEventListener("submit", () => (leaving = true));
  window.addEventListener("beforeunload", (event) => {
    const changed = failed || new URLSearchParams(new FormData(form)).toString() !== start;
    if (changed && !leaving) event.preventDefault();
  });
}

const editors = document.querySelectorAll("[data-markdown-editor]");
editors.forEach(followWriting);
if (editors.length) warnBeforeLoss(editors[0].closest("form"));
