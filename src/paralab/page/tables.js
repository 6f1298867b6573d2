"use strict";
// Every table can be read as it stands: this adds sorting by a click on a heading, and a filter to long ones.
const FILTERED = 8; // rows from which a filter is worth its place

function keyOf(row, column) {
  const cell = row.cells[column];
  const key = cell ? cell.dataset.key ?? cell.textContent.trim() : "";
  return key === "-" ? "" : key;
}

function compare(one, other, words) {
  if (words) return one.localeCompare(other, "en", { numeric: true, sensitivity: "base" });
  return parseFloat(one) - parseFloat(other);
}

function sort(table, heading, column) {
  const words = heading.classList.contains("words");
  const before = heading.getAttribute("aria-sort");
  const rising = before ? before === "descending" : words; // figures: the greatest first
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const keyed = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
  const unknown = (key) => key === "" || (!words && Number.isNaN(parseFloat(key)));
  const known = keyed.filter(([key]) => !unknown(key));
  known.sort(([one], [other]) => (rising ? 1 : -1) * compare(one, other, words));
  const rows = [...known, ...keyed.filter(([key]) => unknown(key))].map(([, row]) => row);
  table.tBodies[0].append(...rows);
}

function filter(table, text, said) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const held = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => held.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  said.textContent = words.length ? `${shown} of ${table.tBodies[0].rows.length}` : "";
}

function addFilter(table) {
  const line = document.createElement("p");
  line.className = "filter";
  const label = document.createElement("label");
  label.textContent = "Filter ";
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "words that a row holds";
  label.append(field);
  const said = document.createElement("output");
  line.append(label, said);
  table.closest(".wide").before(line);
  field.addEventListener("input", () => filter(table, field.value, said));
}

for (const table of document.querySelectorAll("table.rows")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, heading, column));
  });
  if (table.tBodies[0].rows.length >= FILTERED) addFilter(table);
}
