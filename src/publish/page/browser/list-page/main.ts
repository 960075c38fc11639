// The page's script. Its elements are made by src/publish/page/list-page.ts.
import { standInForSubtle } from '../insecure-context.ts'
import { Page } from './page.ts'

standInForSubtle()
new Page().start()
