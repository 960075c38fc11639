import type { KnockHost } from '../knock-host.ts'
import type { PageAssets } from './assets.ts'
import { ICON, MARK } from './icon.ts'
import { Markup, markup } from './markup.ts'
import { policyOf } from './policy.ts'
import { PageError } from './terms.ts'

/** Text that would end an inline element early, or change how the rest of it is read (HTML, 4.12.1.3). */
const BREAKS_OUT = /<\/(?:script|style)|<!--/i

/** A page of one file. */
export interface DocumentTerms {
  readonly door: string
  /** The line below the door's name. */
  readonly about: string
  readonly host: KnockHost | undefined
  readonly isApp: boolean
  /** The attributes `data-…` of `main`, which the script reads. */
  readonly data: Readonly<Record<string, string | undefined>>
  /** Further elements of the head. */
  readonly head?: Markup
  /** The text for browsers without JavaScript. */
  readonly noscript: Markup
  readonly body: Markup
  readonly footer: string
}

/**
 * Returns a page of one file, which loads only what its policy names. All terms are escaped.
 *
 * @throws {@link PageError} for a script or style that cannot be part of a page
 */
export function documentOf(terms: DocumentTerms, { script, style }: PageAssets): string {
  if (BREAKS_OUT.test(script + style)) throw new PageError('script or style would break out of the page')
  const { door, host, data } = terms
  const attributes = Object.entries(data).flatMap(([name, value]) =>
    value === undefined ? [] : [markup` ${new Markup(`data-${name}`)}="${value}"`.text],
  )
  // Otherwise the first knock would wait for the name, and could be given up before it was sent.
  const prefetch = host?.isName === true ? markup`\n    <link rel="dns-prefetch" href="//${host.name}" />` : ''
  return markup`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policyOf(script, style, terms)}" />
    <meta name="referrer" content="no-referrer" />
    <meta name="robots" content="noindex" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="generator" content="Postern" />
    <title>${door} – Postern</title>
    <link rel="icon" href="${ICON}" />${prefetch}${terms.head ?? ''}
    <style>${new Markup(style)}</style>
  </head>
  <body>
    <main id="page"${new Markup(attributes.join(''))}>
      <header>
        ${MARK}
        <div>
          <h1>${door}</h1>
          <p>${terms.about}</p>
        </div>
      </header>
      <noscript>
        <section class="card">
          <h2>This page needs JavaScript</h2>
          ${terms.noscript}
        </section>
      </noscript>
      ${terms.body}
      <p class="status" id="status" role="status" aria-live="polite"></p>
      <footer>${terms.footer}</footer>
    </main>
    <script>${new Markup(script)}</script>
  </body>
</html>
`.text
}

/** The attributes of a page that knocks at a host. */
export function hostData(host: KnockHost | undefined): {
  readonly host: string | undefined
  readonly knock: string | undefined
} {
  return { host: host?.name, knock: host?.urlHost }
}

/** The form for the key, and its terms. */
export interface KeyFormTerms {
  readonly label: string
  readonly hint: string
  readonly placeholder: string
  /** The name of the field for password managers (HTML, 4.10.18.7.1). */
  readonly autocomplete: 'off' | 'current-password'
  /** The name that they keep it under; `undefined`: none. */
  readonly username?: string | undefined
  /** The elements after the form. */
  readonly more?: Markup
}

/** Returns the card of a locked page. */
export function lockCard({ label, hint, placeholder, autocomplete, username, more }: KeyFormTerms): Markup {
  return markup`<section class="card" id="lock" hidden>
        <h2>Locked</h2>
        <form id="key-form">
          ${usernameField(username)}<label for="key">${label}</label>
          <div class="field">
            <input id="key" type="password" autocomplete="${autocomplete}" autocapitalize="none" autocorrect="off"
              spellcheck="false" aria-describedby="key-hint" placeholder="${placeholder}" />
            <button class="quiet" type="button" id="reveal" aria-pressed="false" aria-label="Show what is typed">Show</button>
          </div>
          <p class="note" id="key-hint">${hint}</p>
          <progress id="key-progress" max="1" value="0" aria-label="Deriving the key from the passphrase" hidden></progress>
          <button class="main" id="open">Unlock</button>
        </form>
        ${more ?? ''}
        <p class="warning" id="insecure" hidden>This page came over plain http: somebody could have changed it on its way. If it has an https address, use that.</p>
      </section>
      <div class="trouble" id="trouble" role="alert" hidden>
        <strong id="trouble-what"></strong>
        <span id="trouble-advice"></span>
      </div>`
}

/** A field that only password managers see: the name that they keep a passphrase under. */
export function usernameField(username: string | undefined): Markup {
  if (username === undefined) return new Markup('')
  return markup`<input type="text" autocomplete="username" value="${username}" aria-label="Name" readonly hidden />
          `
}

/** The parts of a knock by hand, and of a list, which both pages have. */
export const BY_HAND = new Markup(`<details id="by-hand">
          <summary>Knock by hand</summary>
          <div id="commands"></div>
        </details>`)
export const LIST_FACTS = new Markup(`<div><dt>Left</dt><dd id="left"></dd></div>
          <div><dt>List made</dt><dd id="made"></dd></div>`)
