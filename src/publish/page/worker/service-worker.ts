// The service worker of a client's page: it keeps the page's own files, so that the app opens without a network. The terms in
// front of it are made by src/publish/page/app.ts.

declare const self: ServiceWorkerGlobalScope

/** The app's files: their names beside the worker, and the SHA-256 of each in hexadecimal. */
declare const APP: { readonly page: string; readonly version: string; readonly files: Readonly<Record<string, string>> }

const PREFIX = `postern-client ${self.location.pathname} `
const CACHE = PREFIX + APP.version

/** Fetches a file, past the browser's cache. Rejects if it is another version's. */
async function fetched(name: string): Promise<readonly [string, Response]> {
  const response = await fetch(name, { cache: 'reload' })
  const hash = await crypto.subtle.digest('SHA-256', await response.clone().arrayBuffer())
  const text = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (!response.ok || text !== APP.files[name]) throw new Error(`${name} is of another version`)
  return [name, response]
}

/** Keeps all files, or none: the worker of before stays then. */
async function install(): Promise<void> {
  const files = await Promise.all(Object.keys(APP.files).map(fetched))
  const cache = await caches.open(CACHE)
  await Promise.all(files.map(async ([name, response]) => await cache.put(name, response)))
  await self.skipWaiting()
}

async function removeOld(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE)
  await Promise.all(old.map(async (name) => await caches.delete(name)))
}

/** Returns the app's file of a URL; `undefined`: it is no file of the app. The folder itself is the page, if the app has that scope. */
function fileOf(url: URL): string | undefined {
  if (url.origin !== self.location.origin) return undefined
  const name = [...Object.keys(APP.files), ''].find(
    (each) => new URL(each === '' ? '.' : each, self.location.href).pathname === url.pathname,
  )
  return name === '' ? APP.page : name
}

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(removeOld()))
self.addEventListener('fetch', (event) => {
  const name = fileOf(new URL(event.request.url))
  // Knocks, lists and the question for the server's time go to the network.
  if (event.request.method !== 'GET' || name === undefined) return
  event.respondWith((async () => (await (await caches.open(CACHE)).match(name)) ?? (await fetch(event.request)))())
})
