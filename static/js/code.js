/* On code pages: the contents follow the reader, and long tables can be filtered. */

const links = new Map(
  [...document.querySelectorAll("[data-contents] a")].map((link) => [link.hash.slice(1), link]),
);
const sections = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
const visible = new Set();

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target);
    const current = sections.find((section) => visible.has(section));
    if (!current) return;
    for (const [id, link] of links) {
      if (id === current.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  },
  { rootMargin: "-10% 0px -60%" },
);
sections.forEach((section) => observer.observe(section));

const LONG = 15;

for (const table of document.querySelectorAll(".sections table")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < LONG) continue;
  const field = document.createElement("p");
  field.className = "field filter";
  field.innerHTML = `<label>Show only rows with <input class="input" type="search"></label><span class="hint" role="status"></span>`;
  const [input, status] = [field.querySelector("input"), field.querySelector("span")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, i) => (row.hidden = !words.every((word) => texts[i].includes(word))));
    const shown = rows.filter((row) => !row.hidden).length;
    status.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
  (table.closest(".table-scroll") ?? table).before(field);
}
