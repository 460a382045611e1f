// Pictures of the playground's tabs for the README: screenshots.mjs FOLDER, against the running stack.

import { join } from 'node:path';

import { PAGE, opened, start } from './browser.mjs';

const [folder] = process.argv.slice(2);
const browser = await start();
const { page } = await opened(browser, PAGE, { viewport: { width: 1200, height: 860 } });

async function tab(name) {
  await page.getByRole('tab', { name }).click();
  return page.getByRole('tabpanel', { name });
}
async function picture(name) {
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(folder, `playground-${name}.png`) });
}
const answered = (panel) => panel.locator('.facts dt', { hasText: 'Request id' }).waitFor();

const text = await tab('Text');
await text.getByLabel('Model', { exact: true }).selectOption('amazon.titan-tg1-large');
await text.getByLabel('Example').selectOption('Content generation');
await text.getByRole('button', { name: 'Complete' }).click();
await answered(text);
await picture('text');

const chat = await tab('Chat');
await chat.getByLabel('Model', { exact: true }).selectOption('us.amazon.nova-lite-v1:0');
await chat.getByLabel('Example').selectOption('Restaurants in Hong Kong');
await chat.getByRole('button', { name: 'Send' }).click();
await answered(chat);
await picture('chat');

const image = await tab('Image');
await image.getByLabel('Model', { exact: true }).selectOption('stability.stable-diffusion-xl-v1');
await image.getByLabel('Example').selectOption('Landscape');
await image.getByLabel('n', { exact: true }).fill('2');
await image.getByLabel('steps', { exact: true }).fill('10');
await image.getByRole('button', { name: 'Draw' }).click();
await image.locator('#gallery li').nth(1).waitFor();
await picture('image');
await browser.close();
