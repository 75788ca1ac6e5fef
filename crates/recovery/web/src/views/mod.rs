//! Pages of recovery: typed contexts and their templates.

mod case;
mod facts;
mod resume;
mod start;
mod stop;

/// The screen of a code, which identity shows too; its template names it so.
pub mod code {
    pub use identity_web::views::code::{CodeEntry, CodeState, CodeWay, Delivery};
}

pub use case::{CasePage, CasePhone, CasePhoneCode, CaseView, StepLine};
pub use facts::{CaseKnowledge, CasePerson, KnowledgeForm, PersonForm};
pub use resume::{Resume, ResumeCode};
pub use start::RecoveryStart;
pub use stop::{Stop, StopView};

webkit::sample_pages! {
    /// Shows every sample of every page of recovery.
    "recovery_start" => RecoveryStart,
    "recovery_case" => CasePage,
    "recovery_phone" => CasePhone,
    "recovery_phone_code" => CasePhoneCode,
    "recovery_person" => CasePerson,
    "recovery_knowledge" => CaseKnowledge,
    "recovery_resume" => Resume,
    "recovery_resume_code" => ResumeCode,
    "recovery_stop" => Stop,
}

/// Paths that pages of recovery lead to, beside those of identity; `{}` is one segment.
pub const ROUTES: &[&str] = &[
    "/recovery",
    "/recovery/case",
    "/recovery/knowledge",
    "/recovery/person",
    "/recovery/phone",
    "/recovery/phone/code",
    "/recovery/phone/code/resend",
    "/recovery/resume",
    "/recovery/resume/code",
    "/recovery/resume/code/resend",
    "/stop/{}",
];
