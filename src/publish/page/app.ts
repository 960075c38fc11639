import { createHash } from 'node:crypto'
import { readAsset } from './assets.ts'
import { iconPng, ICON_PIXELS } from './icon-png.ts'

/** The names of the files of an app, in one folder. */
export interface AppFiles {
  readonly page: string
  readonly manifest: string
  readonly worker: string
  readonly icon: string
}

/** The page's colours at its edges (base.css): green, and paper. */
const THEME = '#1f6f5c'
const PAPER = '#f4f1ea'

/** Returns the names of the files beside a page: those of several pages in a folder differ. */
export function appFilesOf(page: string): AppFiles {
  const name = page.replace(/\.html?$/i, '')
  return { page, manifest: `${name}.webmanifest`, worker: `${name}-worker.js`, icon: `${name}-icon.png` }
}

/**
 * Returns the files of an app by their names, with the page as the last one. The service worker knows the others by
 * their hashes, so it changes with them.
 *
 * @param page the text of the page
 * @param folder of the built worker (default: that of this file)
 * @throws Error if the worker was not built
 */
export async function appOf(
  files: AppFiles,
  door: string,
  page: string,
  folder?: URL,
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const url = encodeURIComponent(files.page)
  const manifest = JSON.stringify({
    id: url,
    name: `${door} – Postern`,
    short_name: door,
    start_url: url,
    scope: url,
    display: 'standalone',
    theme_color: THEME,
    background_color: PAPER,
    icons: [
      {
        src: encodeURIComponent(files.icon),
        sizes: `${ICON_PIXELS}x${ICON_PIXELS}`,
        type: 'image/png',
        purpose: 'any maskable',
      },
    ],
  })
  const own = new Map<string, string | Uint8Array>([
    [files.icon, iconPng()],
    [files.manifest, manifest],
    [files.page, page],
  ])
  const hashes = [...own].map(([name, content]) => [encodeURIComponent(name), hashOf(content)] as const)
  const terms = { page: url, version: hashOf(JSON.stringify(hashes)), files: Object.fromEntries(hashes) }
  own.delete(files.page)
  return own
    .set(files.worker, `const APP = ${JSON.stringify(terms)}\n${await readAsset('service-worker.js', folder)}`)
    .set(files.page, page)
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
