import { render } from 'preact'
import { App } from './app.tsx'
import { returnToSale } from './return-to.ts'

returnToSale()
const page = document.querySelector('#page')
if (page) render(<App />, page)
