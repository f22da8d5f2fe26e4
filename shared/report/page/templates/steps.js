// Show one image's way through the network step by step: by buttons, and by the arrow keys.
for (const stepper of document.querySelectorAll(".stepper")) {
  const rows = [...stepper.querySelectorAll("tbody tr")];
  const controls = document.createElement("div");
  controls.className = "controls";
  const button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...label);
    made.addEventListener("click", act);
    controls.append(made);
    return made;
  };
  let current = 0;
  const show = (step) => {
    current = Math.min(Math.max(step, 0), rows.length - 1);
    rows.forEach((row, k) => (row.hidden = k !== current));
    names.forEach((name, k) => (k === current ? name.setAttribute("aria-current", "step") : name.removeAttribute("aria-current")));
    back.disabled = current === 0;
    next.disabled = current === rows.length - 1;
    place.textContent = `step ${current + 1} of ${rows.length}`;
  };
  const back = button(["\u2190 back"], () => show(current - 1));
  const next = button(["next \u2192"], () => show(current + 1));
  const place = document.createElement("span");
  place.setAttribute("role", "status");
  controls.append(place);
  const every = document.createElement("div");
  every.className = "names";
  controls.append(every);
  const names = rows.map((row, k) => {
    const made = button(row.querySelector(".name").cloneNode(true).childNodes, () => show(k));
    every.append(made);
    return made;
  });
  stepper.prepend(controls);
  stepper.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(to);
  });
  show(0);
}
