import type { PageAssets } from './assets.ts'
import { ICON, MARK } from './icon.ts'
import { Markup, markup } from './markup.ts'
import { policyOf } from './policy.ts'
import { PageError, listUrl, readHost } from './terms.ts'
import type { PageTerms } from './terms.ts'

/** Text that would end an inline element early, or change how the rest of it is read (HTML, 4.12.1.3). */
const BREAKS_OUT = /<\/(?:script|style)|<!--/i

/**
 * Returns the page that decrypts a list of one-time sequences in the reader's browser. The page is one file and loads
 * only the list beside it. It sends only knocks, and only if a host is given. All terms are escaped.
 *
 * @throws {@link PageError} for an invalid host or list name
 */
export function renderPage(terms: PageTerms, { script, style }: PageAssets): string {
  if (BREAKS_OUT.test(script + style)) throw new PageError('script or style would break out of the page')
  const host = terms.host === undefined ? undefined : readHost(terms.host)
  const list = listUrl(terms.listFile)
  const knockAt = host?.urlHost === undefined ? '' : markup` data-knock="${host.urlHost}"`
  const hostName = host === undefined ? '' : markup` data-host="${host.name}"`
  // Otherwise the first knock would wait for the name, and could be given up before it was sent.
  const prefetch = host?.isName === true ? markup`\n    <link rel="dns-prefetch" href="//${host.name}" />` : ''
  return markup`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policyOf(script, style, host)}" />
    <meta name="referrer" content="no-referrer" />
    <meta name="robots" content="noindex" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${terms.door} – Postern</title>
    <link rel="icon" href="${ICON}" />${prefetch}
    <style>${new Markup(style)}</style>
  </head>
  <body>
    <main id="page" data-list="${list}"${hostName}${knockAt}>
      <header>
        ${MARK}
        <div>
          <h1>${terms.door}</h1>
          <p>One-time knock sequences</p>
        </div>
      </header>
      <noscript>
        <section class="card">
          <h2>This page needs JavaScript</h2>
          <p>It decrypts the list here, in your browser. Without JavaScript, download <a href="${list}">the list</a> and decrypt it with age:</p>
          <pre>age -d -i key.txt ${terms.listFile}</pre>
        </section>
      </noscript>
      <section class="card" id="lock" hidden>
        <h2>Locked</h2>
        <form id="key-form">
          <label for="key">Identity or passphrase</label>
          <div class="field">
            <input id="key" type="password" autocomplete="off" autocapitalize="none" autocorrect="off"
              spellcheck="false" aria-describedby="key-hint" placeholder="AGE-SECRET-KEY-1…" />
            <button class="quiet" type="button" id="reveal" aria-pressed="false" aria-label="Show what is typed">Show</button>
          </div>
          <p class="note" id="key-hint">It decrypts the list here. It is neither sent nor stored.</p>
          <progress id="key-progress" max="1" value="0" aria-label="Deriving the key from the passphrase" hidden></progress>
          <button class="main" id="open">Unlock</button>
        </form>
        <p class="warning" id="insecure" hidden>This page came over plain http: somebody could have changed it on its way. If it has an https address, use that.</p>
      </section>
      <div class="trouble" id="trouble" role="alert" hidden>
        <strong id="trouble-what"></strong>
        <span id="trouble-advice"></span>
      </div>
      <section class="card" id="sequence" aria-labelledby="sequence-heading" hidden>
        <h2 id="sequence-heading" tabindex="-1">Next sequence</h2>
        <ol id="ports"></ol>
        <button class="main" type="button" id="knock">Knock from this browser</button>
        <p class="note" id="knock-note" hidden></p>
        <button class="second" type="button" id="next">This one was used: next one</button>
        <progress id="next-progress" max="1" value="0" aria-label="Deriving the key from the passphrase" hidden></progress>
        <details id="by-hand">
          <summary>Knock by hand</summary>
          <div id="commands"></div>
        </details>
        <dl>
          <div><dt>Left</dt><dd id="left"></dd></div>
          <div><dt>List made</dt><dd id="made"></dd></div>
        </dl>
        <button class="quiet" type="button" id="forget">Lock this page</button>
      </section>
      <p class="status" id="status" role="status" aria-live="polite"></p>
      <footer>Each sequence can be used once. Published by Postern.</footer>
    </main>
    <script>${new Markup(script)}</script>
  </body>
</html>
`.text
}
