//! The worlds an app can be of, and whether a component is of its world.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::app::{Params, Return};
use crate::error::{LoadError, sentence};
use crate::host::Host;

/// The worlds of `wit/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum World {
    /// `sotto:app/function`: reaches nothing.
    Function,
    /// `sotto:app/function-http`: reaches the hosts of its manifest over HTTPS.
    FunctionHttp,
}

/// Interfaces of types alone: an app may name them, and finds no function in them.
const TYPES_ONLY: [&str; 2] = ["sotto:app/types@0.1.", "wasi:clocks/monotonic-clock@0.2."];

/// What `function-http` offers besides.
const HTTP: [&str; 5] = [
    "wasi:http/outgoing-handler@0.2.",
    "wasi:http/types@0.2.",
    "wasi:io/error@0.2.",
    "wasi:io/poll@0.2.",
    "wasi:io/streams@0.2.",
];

impl World {
    /// Links the component, if it asks for nothing its world does not offer and is a `run`.
    pub(crate) fn admit(
        self,
        engine: &Engine,
        linker: &Linker<Host>,
        component: &Component,
    ) -> Result<InstancePre<Host>, LoadError> {
        for (name, import) in component.component_type().imports(engine) {
            self.check_import(engine, name, &import.ty)?;
        }
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| LoadError::WrongType(sentence(format!("{error:#}"))))?;
        let run = component.component_type().get_export(engine, "run").map(|run| run.ty);
        match run {
            Some(ComponentItem::ComponentFunc(run)) => run
                .typecheck::<Params<'_>, Return>(&pre.instance_type())
                .map_err(|error| LoadError::WrongType(sentence(format!("run: {error:#}"))))?,
            _ => return Err(LoadError::NoRun),
        }
        Ok(pre)
    }

    fn check_import(
        self,
        engine: &Engine,
        name: &str,
        item: &ComponentItem,
    ) -> Result<(), LoadError> {
        let foreign = |name: String| Err(LoadError::Import { name: sentence(name) });
        let ComponentItem::ComponentInstance(instance) = item else {
            // A type that merely names another is no import of anything.
            return match item {
                ComponentItem::Type(_) => Ok(()),
                _ => foreign(name.to_owned()),
            };
        };
        let of = |known: &[&str]| known.iter().any(|known| name.starts_with(known));
        if self == World::FunctionHttp && of(&HTTP) {
            return Ok(());
        }
        if !of(&TYPES_ONLY) {
            return foreign(name.to_owned());
        }
        match instance.exports(engine).find(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)))
        {
            Some((function, _)) => foreign(format!("{name}/{function}")),
            None => Ok(()),
        }
    }
}
