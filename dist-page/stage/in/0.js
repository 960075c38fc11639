// The page's script. Its elements are made by src/publish/page/render.ts.
import { standInForSubtle } from './insecure-context.js'
import { Page } from './page.js'
standInForSubtle()
new Page().start()
