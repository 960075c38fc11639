import { Markup } from './markup.ts'

/** The page's icon: a door in the page's two colours. */
export const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f6f5c"/>' +
    '<path d="M10 26V13a6 6 0 0 1 12 0v13z" fill="#f4f1ea"/><circle cx="18.5" cy="18" r="1.5" fill="#1f6f5c"/></svg>',
)}`

/** The same door in the page's header, in the colours of its style. */
export const MARK = new Markup(`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M6 29V14a10 10 0 0 1 20 0v15z" />
          <circle cx="20.5" cy="19" r="1.75" />
        </svg>`)
