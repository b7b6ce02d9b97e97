// Shows the values under the pointer in a plot's legend. Without it the page is complete, only still.
"use strict";

const clock = (seconds) => {
  const whole = Math.round(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  return `at ${Math.floor(whole / 60)}:${rest}`;
};

const figure = (value, log) => {
  if (value === null || value === undefined) return "–";
  if (log) return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
  return value.toLocaleString("en", { maximumFractionDigits: 1 });
};

for (const plot of document.querySelectorAll("figure.plot")) {
  const data = JSON.parse(plot.dataset.plot);
  const svg = plot.querySelector("svg");
  const cursor = svg.querySelector(".cursor");
  const outputs = plot.querySelectorAll(".legend span output");
  const time = plot.querySelector(".legend .time");
  const place = (seconds) => data.left + (seconds / data.seconds) * (data.right - data.left);

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * data.width;
    const seconds = ((x - data.left) / (data.right - data.left)) * data.seconds;
    let index = data.at.findIndex((at) => at >= seconds);
    if (index < 0) index = data.at.length - 1;
    cursor.setAttribute("x1", place(data.at[index]));
    cursor.setAttribute("x2", place(data.at[index]));
    cursor.style.visibility = "visible";
    outputs.forEach((output, line) => {
      output.value = figure(data.lines[line][index], data.log);
    });
    time.value = clock(data.at[index]);
  });
  svg.addEventListener("pointerleave", () => {
    cursor.style.visibility = "hidden";
    for (const output of [...outputs, time]) output.value = "";
  });
}
