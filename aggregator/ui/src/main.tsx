// Where the page starts.
import "./template-args";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "react-redux";

import { App } from "./app";
import { takeTemplateArgs } from "./shell/template-args";
import { followBackButton, locustStore, startInTheme } from "./store";

const root = document.getElementById("root");
if (!root) throw new Error("this page has no place for Cicada");
takeTemplateArgs();
startInTheme();
followBackButton();
createRoot(root).render(
  <StrictMode>
    <Provider store={locustStore}>
      <App />
    </Provider>
  </StrictMode>,
);
