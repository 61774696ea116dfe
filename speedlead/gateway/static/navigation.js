// The groups of the navigation open and close without a script; this only closes one that is left.

const nav = document.querySelector('nav[aria-label="Main"]');
const opened = () => nav?.querySelector("details[open]");

document.addEventListener("keydown", (event) => {
  const group = event.key === "Escape" && opened();
  if (!group) return;
  if (group.contains(document.activeElement)) group.querySelector("summary").focus();
  group.open = false;
});
for (const happens of ["pointerdown", "focusin"]) {
  document.addEventListener(happens, (event) => {
    const group = opened();
    if (group && !group.contains(event.target)) group.open = false;
  });
}
