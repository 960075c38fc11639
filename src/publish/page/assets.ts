import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The script and the style of a page, made by script/build. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** The scripts: of the page beside a list, and of a client's page, which has age only if its door publishes a list. */
export type PageScript = 'knock-page.js' | 'client.js' | 'client-with-lists.js'

/**
 * Reads a page's script and style from a folder (default: the folder of this file). Rejects if the page was not built.
 */
export async function readPageAssets(
  script: PageScript = 'knock-page.js',
  folder: URL = new URL('.', import.meta.url),
): Promise<PageAssets> {
  const [read, style] = await Promise.all([readAsset(script, folder), readAsset('page.css', folder)])
  return { script: read, style }
}

/** Reads a file that script/build made. Rejects if it is not there. */
export async function readAsset(name: string, folder: URL = new URL('.', import.meta.url)): Promise<string> {
  const file = fileURLToPath(new URL(name, folder))
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`not built: ${file}\nrun: script/build`, { cause })
  })
}
