// Elements of the page, found and made.

export const ICONS = new URL("icons.svg", import.meta.url).pathname; // wherever the server's pages are

/**
 * @param {string} id
 * @returns {HTMLElement} Throws where the page has none of this name.
 */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element ${id}.`);
  return found;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Only where it differs: a screen reader hears of each change, and a selection is lost by it.
 * @param {HTMLElement} where
 * @param {string} text
 */
export function setText(where, text) {
  if (where.textContent !== text) where.textContent = text;
}
