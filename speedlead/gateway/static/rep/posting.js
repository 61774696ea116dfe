// Sends the page's own forms without leaving it, and says what came of it in the server's words.

export function say(text, bad = false) {
  const place = document.getElementById("said");
  const line = document.createElement("p");
  line.className = bad ? "said late" : "said";
  line.textContent = text;
  place.replaceChildren(line);
}

// Asks before what cannot be taken back; true for yes.
export function ask(text, yes) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-text").textContent = text;
  document.getElementById("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) =>
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }),
  );
}

async function words(answer) {
  const body = await answer.text();
  if ((answer.headers.get("content-type") || "").includes("json")) {
    const problem = JSON.parse(body);
    return problem.detail || problem.title || "";
  }
  const page = new DOMParser().parseFromString(body, "text/html");
  const found = answer.ok
    ? page.querySelector("#said p, .said")
    : page.querySelector("main .problem") || page.querySelector("main p");
  return found ? found.textContent.trim() : "";
}

// The path that the form goes to. (`submitter.formAction` is the page's own address where the button names none.)
export function goal(form, submitter) {
  return submitter?.getAttribute("formaction") ?? form.getAttribute("action");
}

// True when it was done. What was refused leaves the form as it is.
export async function post(form, path, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: fields });
  } catch {
    say("Not sent: there is no connection. Nothing is lost; please try again.", true);
    return false;
  }
  if (new URL(answer.url).pathname.startsWith("/sign-in")) {
    location.assign("/sign-in?next=/rep");
    return false;
  }
  const said = new URL(answer.url).searchParams.get("said");
  const done = answer.ok && !["refused", "late", "noskip", "choose"].includes(said);
  say((await words(answer)) || (done ? "Done." : "That was not possible."), !done);
  return done;
}
