/**
 * What the page does about an error when a person presses the button for it.
 *
 * @import {Action} from "./action-controls.js"
 * @import {Controls} from "./controls.js"
 * @import {ErrorAction, Explained} from "./error-explanations.js"
 * @import {PageConfig} from "./page-config.js"
 * @import {Session} from "./session.js"
 * @import {SettingsPanel} from "./settings-panel.js"
 */

export class ErrorActions {
  /**
   * @param {PageConfig} config
   * @param {Session} session
   * @param {SettingsPanel} panel
   * @param {Controls} controls
   */
  constructor(config, session, panel, controls) {
    this.config = config;
    this.session = session;
    this.panel = panel;
    this.controls = controls;
  }

  /**
   * @param {Explained} explained
   * @param {string} [said]  The words of the turn that failed: without any, nothing can be sent again.
   * @returns {Action[]}
   */
  offers({ actions, stage }, said = "") {
    const { words, keys } = this.config;
    /** @type {Record<ErrorAction, (() => void) | string | null>} */
    const ways = {
      try_again: said ? () => void this.session.sendText(said) : null,
      use_another: stage ? () => this.panel.showStage(stage) : null,
      type_instead: () => this.controls.showTextField(true),
      open_keys: keys,
      open_settings: () => this.panel.setOpen(true),
      // Whoever is signed out is sent to sign in, and back.
      sign_in: () => window.location.reload(),
      start_again: () => void this.session.restart(),
      reload: () => window.location.reload(),
    };
    return actions.flatMap((name) => {
      const way = ways[name];
      const label = words[`action_${name}`] ?? "";
      if (typeof way === "string") return { label, href: way, newTab: words.new_tab };
      return way ? { label, run: way } : [];
    });
  }
}
