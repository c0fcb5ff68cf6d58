// What the server wrote into the page: Locust's template arguments, which its components read from the
// window as soon as they are loaded. So this has to be imported before them.

declare global {
  interface Window {
    templateArgs: unknown;
  }
}

const written = document.getElementById("template-args")?.textContent;
if (!written) throw new Error("this page has no template arguments: open it at the address of a Cicada");
window.templateArgs = JSON.parse(written);

export {};
