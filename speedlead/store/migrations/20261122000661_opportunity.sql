-- migrate:up

-- A lead that is qualified is handed over as an opportunity: an event of its own, beside the meeting and the sale.
create or replace function hook_types(kind text, data jsonb) returns text[] language sql immutable as $$
    select case kind
        when 'inquiry' then array[case when data ->> 'number' = '1' then 'lead.created' else 'lead.inquiry' end]
        when 'reopened' then array['lead.created']
        when 'sent' then array[case when data ->> 'purpose' = 'acknowledgement' then 'lead.acknowledged'
            else 'lead.attempted' end]
        when 'assigned' then array['lead.assigned']
        when 'reassigned' then array['lead.assigned']
        when 'escalated' then array['lead.assigned']
        when 'accepted' then array['lead.accepted']
        when 'reply' then case when data ->> 'automatic' = 'true' then '{}'::text[] else array['lead.replied'] end
        when 'outcome' then array_remove(array['lead.outcome', case data ->> 'outcome'
            when 'meeting_booked' then 'lead.booked' when 'qualified' then 'lead.qualified'
            when 'converted' then 'lead.converted' end], null)
        when 'breach' then array['lead.breach']
        when 'opt_out' then array['lead.opted_out']
        when 'closed' then array['lead.closed']
        else '{}'::text[] end
$$;

-- migrate:down
