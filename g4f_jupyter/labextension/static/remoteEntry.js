// The extension for JupyterLab 4 and Notebook 7: what they load, written by hand. It is a container of module
// federation, as webpack makes them: `init` is given the packages that the front end shares, `get` returns the plugin.
// Where a package is missing, or is not as it is known here, there is no plugin, and nothing changes.
"use strict";

(() => {
    const NEEDED = {
        "@codemirror/language": ["Language", "LanguageSupport", "indentService"],
        "@codemirror/state": ["Compartment", "EditorState", "Prec"],
        "@codemirror/view": ["Decoration", "EditorView", "MatchDecorator", "ViewPlugin"],
        "@jupyterlab/apputils": ["Clipboard"],
        "@jupyterlab/codemirror": ["IEditorExtensionRegistry", "IEditorLanguageRegistry"],
        "@jupyterlab/notebook": ["INotebookTracker", "NotebookActions"],
        "@jupyterlab/settingregistry": ["ISettingRegistry"],
        "@lezer/common": ["Parser"],
        "@lezer/highlight": ["tags"],
    };
    const ID = "g4f-jupyter:chat";
    // The files beside this one are of its version, which stands in its address: browsers keep them for a year.
    const address = name => new URL(name + new URL(source).search, source).href;
    const source = document.currentScript.src;
    // On their way while the front end loads what is its own
    const parts = Promise.all(["prose.js", "answers.js", "below.js"].map(name => import(address(name))));
    parts.catch(() => {});
    let packages = {};

    // Return a package as it was loaded by the front end; it never loads another version for us.
    async function shared(name) {
        const versions = Object.values(packages[name] ?? {});
        const version = versions.find(each => each.loaded) ?? (versions.length === 1 ? versions[0] : undefined);
        const factory = await version.get();
        return factory();
    }

    // Return the names that are needed, of all packages. Throws if there is one that is not there.
    async function needed() {
        const found = {};
        for (const [name, exported] of Object.entries(NEEDED)) {
            const module = await shared(name);
            for (const each of exported) {
                if (module[each] === undefined) {
                    throw new Error(`${name} has no ${each}`);
                }
                found[each] = module[each];
            }
        }
        return found;
    }

    function plugin(found, [{ Prose }, { Answers }, { Below }]) {
        const { IEditorExtensionRegistry, IEditorLanguageRegistry, INotebookTracker, ISettingRegistry } = found;
        return {
            id: ID,
            description: "Lets a %%chat cell be written as prose, its answer be read, and its code be replaced.",
            autoStart: true,
            optional: [IEditorExtensionRegistry, IEditorLanguageRegistry, INotebookTracker, ISettingRegistry],
            activate: (_, editors, languages, notebooks, settings) => {
                if (!editors || !languages || !notebooks) {
                    return;
                }
                const style = Object.assign(document.createElement("link"), { rel: "stylesheet" });
                style.href = address("style.css");
                document.head.append(style);
                const prose = new Prose(found, languages);
                const factory = ({ model }) => (model.type === "code" ? prose.builder() : null);
                editors.addExtension({ name: ID, factory });
                follow(settings, { prose, answers: new Answers(found, notebooks), below: new Below(found) });
            },
        };
    }

    // Turn each part on and off as its setting says: on, where there are no settings.
    async function follow(settings, parts) {
        const loaded = await settings?.load(ID).catch(() => null);
        const apply = () => {
            for (const [name, part] of Object.entries(parts)) {
                part.enable((loaded?.composite[name] ?? true) === true);
            }
        };
        loaded?.changed.connect(apply);
        apply();
    }

    const container = {
        init: scope => {
            packages = scope;
        },
        get: async () => {
            let plugins = [];
            try {
                plugins = [plugin(await needed(), await parts)];
            } catch (error) {
                console.debug(`${ID} does nothing here:`, error);
            }
            return () => ({ __esModule: true, default: plugins });
        },
    };
    window._JUPYTERLAB = Object.assign(window._JUPYTERLAB ?? {}, { "g4f-jupyter": container });
})();
