import type { KnockHost } from '../knock-host.ts'
import type { PageAssets } from './assets.ts'
import type { AppFiles } from './app.ts'
import { BY_HAND, LIST_FACTS, documentOf, hostData, lockCard, usernameField } from './document.ts'
import { markup } from './markup.ts'

/** A page as a client. */
export interface ClientPageTerms {
  readonly door: string
  /** The user whose secret the page has; `undefined`: it takes one by a link. */
  readonly user: string | undefined
  /** The host at which the page knocks. */
  readonly host: KnockHost
  /** The encrypted profile (`sealed.ts`); `undefined`: it takes one by a link. */
  readonly sealed: string | undefined
  readonly files: AppFiles
}

/** Returns the page that holds a user's secret, encrypted, and knocks. @throws {@link PageError} */
export function renderClientPage({ door, user, host, sealed, files }: ClientPageTerms, assets: PageAssets): string {
  const username = `${user === undefined ? '' : `${user}, `}${door} at ${host.name}`
  const lock = lockCard({
    label: 'Passphrase',
    hint: 'It decrypts the secret here. It is neither sent nor stored.',
    placeholder: '',
    autocomplete: 'current-password',
    username,
    more: markup`<button class="second" type="button" id="passkey-open" hidden>Unlock with a passkey</button>
        <button class="quiet" type="button" id="remove-locked">Remove the secret from this browser</button>`,
  })
  return documentOf(
    {
      door,
      about: `Knocks at ${host.name}`,
      host,
      isApp: true,
      data: {
        ...hostData(host),
        door,
        sealed,
        file: encodeURIComponent(files.page),
        worker: encodeURIComponent(files.worker),
        manifest: encodeURIComponent(files.manifest),
      },
      head: markup`
    <link rel="apple-touch-icon" href="${encodeURIComponent(files.icon)}" />`,
      noscript: markup`<p>It computes codes and knocks in your browser. Without JavaScript, use knock(1), or an authenticator app and telnet.</p>`,
      body: markup`<section class="card" id="empty" hidden>
        <h2>No secret yet</h2>
        <p>Open the link that was made for you, or paste it here. An installed app does not see what the browser has: paste the link there, too.</p>
        <form id="link-form">
          <label for="link">Link</label>
          <div class="field">
            <input id="link" type="text" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false"
              placeholder="https://…#…" required />
            <button class="main" id="take">Open</button>
          </div>
        </form>
      </section>
      <section class="card" id="replace-part" hidden>
        <h2>Replace the secret?</h2>
        <p>This browser has a secret for this door already. The link has one, too. If you did not ask for the link, keep yours.</p>
        <button class="main" type="button" id="keep-old">Keep mine</button>
        <button class="second" type="button" id="replace">Replace it</button>
      </section>
      <section class="card" id="protect" hidden>
        <h2>Protect the secret</h2>
        <p id="protect-what"></p>
        <p class="note" id="protect-history" hidden>Your browser may have kept the link in its own history: clear that for this time. A link that is pasted here is not kept.</p>
        <form id="protect-form">
          ${usernameField(username)}<label for="fresh">New passphrase</label>
          <input id="fresh" type="password" autocomplete="new-password" autocapitalize="none" autocorrect="off"
            spellcheck="false" aria-describedby="fresh-hint" />
          <label for="again">Once more</label>
          <input id="again" type="password" autocomplete="new-password" autocapitalize="none" autocorrect="off"
            spellcheck="false" />
          <p class="note" id="fresh-hint"></p>
          <progress id="protect-progress" max="1" value="0" aria-label="Deriving the key from the passphrase" hidden></progress>
          <button class="main" id="protect-save">Encrypt and keep</button>
        </form>
        <button class="second" type="button" id="protect-passkey" hidden>Use a passkey instead</button>
        <button class="quiet" type="button" id="protect-cancel">Keep nothing</button>
      </section>
      ${lock}
      <section class="warning" id="clock-note" aria-labelledby="clock-what" hidden>
        <strong id="clock-what"></strong>
        <span id="clock-effect"></span>
        <button class="second" type="button" id="clock-use">Use the server’s time</button>
      </section>
      <section class="card" id="client" aria-labelledby="client-heading" hidden>
        <h2 id="client-heading" tabindex="-1">Knock</h2>
        <div id="code-part" hidden>
          <p id="code"></p>
          <progress id="code-left" max="30" value="0" aria-label="Time that this code is left"></progress>
          <div class="ends"><span id="code-note"></span><span>then <span id="next-code"></span></span></div>
        </div>
        <button class="main" type="button" id="knock">Knock</button>
        <button class="second" type="button" id="stop" hidden>Stop waiting</button>
        <p class="note" id="knock-note" hidden></p>
        <p class="note">Begins these connections to ${host.name}, one after the other:</p>
        <ol id="ports"></ol>
        ${BY_HAND}
        <dl>
          <div><dt>Opens</dt><dd id="service"></dd></div>
          <div><dt>User</dt><dd id="user"></dd></div>
          <div id="clock-part"><dt>Clock</dt><dd id="clock">this device’s</dd></div>
        </dl>
        <dl id="list-part" hidden>
          ${LIST_FACTS}
        </dl>
        <div class="actions">
          <button class="quiet" type="button" id="forget">Lock this page</button>
          <button class="quiet" type="button" id="passkey-add" hidden>Unlock with a passkey from now on</button>
          <button class="quiet" type="button" id="remove">Remove the secret from this browser</button>
        </div>
      </section>`,
      footer: 'Made by Postern. A web server can change the page that it serves.',
    },
    assets,
  )
}
