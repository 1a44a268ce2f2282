// Run from the project's folder: patterns count from there.
import js from "@eslint/js";
import globals from "globals";

const worklets = ["static/**/*worklet*.js", "static/**/worklets/**/*.js"];

export default [
  {
    files: ["static/**/*.js"],
    ...js.configs.recommended,
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "module",
      globals: { ...globals.browser, htmx: "readonly" },
    },
    rules: {
      ...js.configs.recommended.rules,
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-console": "error",
      "no-implicit-globals": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: worklets,
    languageOptions: { globals: globals.audioWorklet },
  },
];
