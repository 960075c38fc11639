import type { PageAssets } from './assets.ts'
import { BY_HAND, LIST_FACTS, documentOf, hostData, lockCard } from './document.ts'
import { markup } from './markup.ts'
import { listUrl, readHost } from './terms.ts'
import type { PageTerms } from './terms.ts'

/**
 * Returns the page that decrypts a list of one-time sequences in the reader's browser. The page is one file and loads
 * only the list beside it. It sends only knocks, and only if a host is given. All terms are escaped.
 *
 * @throws {@link PageError} for an invalid host or list name
 */
export function renderPage(terms: PageTerms, assets: PageAssets): string {
  const host = terms.host === undefined ? undefined : readHost(terms.host)
  const list = listUrl(terms.listFile)
  const lock = lockCard({
    label: 'Identity or passphrase',
    hint: 'It decrypts the list here. It is neither sent nor stored.',
    placeholder: 'AGE-SECRET-KEY-1…',
    autocomplete: 'off',
  })
  return documentOf(
    {
      door: terms.door,
      about: 'One-time knock sequences',
      host,
      isApp: false,
      data: { list, ...hostData(host) },
      noscript: markup`<p>It decrypts the list here, in your browser. Without JavaScript, download <a href="${list}">the list</a> and decrypt it with age:</p>
          <pre>age -d -i key.txt ${terms.listFile}</pre>`,
      body: markup`${lock}
      <section class="card" id="sequence" aria-labelledby="sequence-heading" hidden>
        <h2 id="sequence-heading" tabindex="-1">Next sequence</h2>
        <ol id="ports"></ol>
        <button class="main" type="button" id="knock">Knock from this browser</button>
        <p class="note" id="knock-note" hidden></p>
        <button class="second" type="button" id="next">This one was used: next one</button>
        <progress id="next-progress" max="1" value="0" aria-label="Deriving the key from the passphrase" hidden></progress>
        ${BY_HAND}
        <dl>
          ${LIST_FACTS}
        </dl>
        <button class="quiet" type="button" id="forget">Lock this page</button>
      </section>`,
      footer: 'Each sequence can be used once. Published by Postern.',
    },
    assets,
  )
}
