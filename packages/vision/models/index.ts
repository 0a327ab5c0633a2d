/** Every model of the house registers itself when its file is loaded; a new file needs a line here. */
export * from './mobilenet-v2.ts';
export * from './resnest.ts';
export * from './resnet.ts';
export * from './se-resnext.ts';
export * from './vision-transformer.ts';
