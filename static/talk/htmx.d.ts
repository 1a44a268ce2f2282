/** What the scripts use of htmx, which every page loads. */
declare const htmx: { process(element: Element): void };
