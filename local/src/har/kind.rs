//! The kinds of what browsers ask for: as Chrome notes them in a recording, or by the media type of the response.

use clap::ValueEnum;

use super::archive::Entry;

/// A kind of what browsers ask for, by Chrome's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResourceType {
    /// Pages
    Document,
    /// Requests of scripts by XMLHttpRequest
    Xhr,
    /// Requests of scripts by fetch
    Fetch,
    /// Streams of server-sent events
    Eventsource,
    /// Scripts
    Script,
    /// Style sheets
    Stylesheet,
    /// Images
    Image,
    /// Fonts
    Font,
    /// Sound and films
    Media,
    /// Manifests of web applications
    Manifest,
    /// Subtitles
    Texttrack,
    /// Beacons
    Ping,
    /// All else
    Other,
}

/// The kind that the browser has noted, or that the response has.
pub(super) fn kind(entry: &Entry) -> ResourceType {
    let noted = entry.resource_type.as_deref();
    if let Some(noted) = noted {
        return ResourceType::from_str(noted, true).unwrap_or(ResourceType::Other);
    }
    let content = entry
        .response
        .as_ref()
        .and_then(|response| response.content.as_ref());
    let media = content.and_then(|content| content.mime_type.as_deref());
    let media = media.unwrap_or_default().to_ascii_lowercase();
    let is = |parts: &[&str]| parts.iter().any(|part| media.contains(part));
    if is(&["text/html", "xhtml"]) {
        ResourceType::Document
    } else if is(&["json", "xml"]) && !is(&["svg"]) {
        ResourceType::Xhr
    } else if is(&["event-stream"]) {
        ResourceType::Eventsource
    } else if is(&["javascript", "ecmascript", "wasm"]) {
        ResourceType::Script
    } else if is(&["text/css"]) {
        ResourceType::Stylesheet
    } else if is(&["image/"]) {
        ResourceType::Image
    } else if is(&["font"]) {
        ResourceType::Font
    } else if is(&["audio/", "video/"]) {
        ResourceType::Media
    } else {
        by_extension(&entry.request.url)
    }
}

fn by_extension(url: &str) -> ResourceType {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("js" | "mjs" | "wasm" | "map") => ResourceType::Script,
        Some("css") => ResourceType::Stylesheet,
        Some("png" | "jpg" | "jpeg" | "gif" | "svg" | "ico" | "webp" | "avif") => {
            ResourceType::Image
        }
        Some("woff" | "woff2" | "ttf" | "otf" | "eot") => ResourceType::Font,
        Some("mp3" | "mp4" | "webm" | "ogg") => ResourceType::Media,
        Some("webmanifest") => ResourceType::Manifest,
        _ => ResourceType::Other,
    }
}
