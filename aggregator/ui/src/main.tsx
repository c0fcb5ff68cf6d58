// Where the page starts.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app";
import { takeTemplateArgs } from "./shell/template-args";
import { followBackButton, startInTheme } from "./store";

const root = document.getElementById("root");
if (!root) throw new Error("this page has no place for Cicada");
takeTemplateArgs();
startInTheme();
followBackButton();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
