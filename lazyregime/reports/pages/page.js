"use strict";
// A click on a heading sorts the rows of each section; a remark stays under its row.
for (const table of document.querySelectorAll("table")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const sort = () => {
      const falling = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
      sortRows(table.tBodies[0], column, falling ? -1 : 1);
    };
    heading.addEventListener("click", sort);
    heading.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
function sortRows(body, column, sign) {
  const sections = [[]];
  for (const row of [...body.rows]) {
    if (row.className === "section") sections.push([[row]]);
    else if (row.className === "remark" && sections.at(-1).length) sections.at(-1).at(-1).push(row);
    else sections.at(-1).push([row]);
  }
  for (const blocks of sections) {
    const fixed = blocks.length && blocks[0][0].className === "section" ? [blocks.shift()] : [];
    blocks.sort((a, b) => sign * compared(a[0].cells[column], b[0].cells[column]));
    for (const block of [...fixed, ...blocks]) body.append(...block);
  }
}
function compared(a, b) {
  const x = a.textContent.trim(), y = b.textContent.trim(), p = number(x), q = number(y);
  if (!Number.isNaN(p) && !Number.isNaN(q)) return p - q;
  if (Number.isNaN(p) !== Number.isNaN(q) && (x === "-" || y === "-" || x === "" || y === "")) return Number.isNaN(p) ? 1 : -1;
  return x.localeCompare(y, "en", { numeric: true });
}
function number(text) {
  const found = text.replaceAll(",", "").match(/^[^\d.-]*(-?\d*\.?\d+(e[+-]?\d+)?)/i);
  return found && !/^[a-z]/i.test(text) ? Number(found[1]) : NaN;
}
