/** The name of the policy of Trusted Types, which the page's own policy allows. */
const TYPES_POLICY = 'postern-worker'

/** Trusted Types (W3C), which not every browser has. */
interface TypesFactory {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string }
}

/**
 * Makes the page an app that can be installed and works offline, where the browser allows it. Nothing depends on it.
 *
 * @param worker the file of the service worker, and `manifest` of the app, beside the page
 */
export function becomeApp(worker: string, manifest: string): void {
  if (!globalThis.isSecureContext || !('serviceWorker' in navigator) || !location.protocol.startsWith('http')) return
  const link = document.createElement('link')
  link.rel = 'manifest'
  link.href = manifest
  document.head.append(link)
  const { trustedTypes } = globalThis as { trustedTypes?: TypesFactory }
  const trusted = trustedTypes?.createPolicy(TYPES_POLICY, { createScriptURL: () => worker })
  const url = trusted?.createScriptURL(worker) ?? worker
  // A page that was moved without its worker works as before.
  navigator.serviceWorker.register(url, { scope: location.origin + location.pathname }).catch(() => undefined)
}
