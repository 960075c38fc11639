import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** What is the same in all pages, as script/build makes it. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

/** Reads the page's script and style from a folder, this file's own without it. Rejects if the page was not built. */
export async function readPageAssets(folder: URL = new URL('.', import.meta.url)): Promise<PageAssets> {
  const [script, style] = await Promise.all([read(folder, 'knock-page.js'), read(folder, 'knock-page.css')])
  return { script, style }
}

async function read(folder: URL, name: string): Promise<string> {
  const file = fileURLToPath(new URL(name, folder))
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`not built: ${file}\nrun: script/build`, { cause })
  })
}
