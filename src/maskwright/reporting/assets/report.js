"use strict";
// The gallery: a slider for the slices of a patient, sorting, outlines on and off, click to enlarge.
const gallery = document.querySelector(".gallery");
if (gallery) {
  const slides = JSON.parse(document.getElementById("slides").textContent);
  const enlarged = document.querySelector("dialog");
  const svg = (slide) => {
    // Under the truth's white a black line, so that it is seen on bright pictures too.
    const under = (kind, path) => (kind === "truth" ? `<path class="under" d="${path}"/>` : "");
    const one = (kind, number, path) =>
      `${under(kind, path)}<path class="k${((number - 1) % 7) + 1}${number > 7 ? " again" : ""}" d="${path}"/>`;
    const group = (kind, paths) =>
      `<g class="${kind}">${paths.map(([number, path]) => one(kind, number, path)).join("")}</g>`;
    return `<svg viewBox="0 0 ${slide.width} ${slide.height}"><image href="${slide.picture}" width="${slide.width}"
      height="${slide.height}"/>${group("truth", slide.truth)}${group("prediction", slide.prediction)}</svg>`;
  };
  const show = (album, place) => {
    const slide = slides[album.dataset.index][place];
    const stage = album.querySelector(".stage");
    stage.innerHTML = svg(slide);
    stage.setAttribute("aria-label", `Enlarge ${slide.title}`);
    album.querySelector(".where").textContent = slide.title;
    album.dataset.place = place;
  };
  for (const album of gallery.children) {
    const range = album.querySelector("input");
    show(album, Number(range ? range.value : 0));
    if (range) range.addEventListener("input", () => show(album, Number(range.value)));
    album.querySelector(".stage").addEventListener("click", () => {
      const slide = slides[album.dataset.index][album.dataset.place];
      enlarged.querySelector(".stage").innerHTML = svg(slide);
      enlarged.querySelector("p").textContent = `${album.dataset.patient}, ${slide.title}`;
      enlarged.showModal();
    });
  }
  enlarged.addEventListener("click", () => enlarged.close());
  document.getElementById("sort").addEventListener("change", (event) => {
    const by = {
      worst: (a, b) => a.dataset.dice - b.dataset.dice,
      best: (a, b) => b.dataset.dice - a.dataset.dice,
      name: (a, b) => a.dataset.patient.localeCompare(b.dataset.patient, undefined, { numeric: true }),
    }[event.target.value];
    gallery.append(...[...gallery.children].sort(by));
  });
  for (const kind of ["truth", "prediction"]) {
    document.getElementById(`show-${kind}`).addEventListener("change", (event) => {
      document.body.classList.toggle(`no-${kind}`, !event.target.checked);
    });
  }
}
